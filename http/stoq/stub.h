struct dbk_call;void dbk_stoq_fail_faults(struct dbk_call *call, const dbk_stoq_faults *faults);void dbk_stoq_fail_no_action(struct dbk_call *call);
