// SPDX-License-Identifier: Apache-2.0
// Asking the reports of the 23blocks dialect.

export const REPORTS = ['orders/summary', 'orders/list', 'orders/providers/list', 'orders/providers/summary',
                        'flexible_orders/summary', 'payments/list', 'payments/summary', 'vendors/payments/list',
                        'vendors/payments/summary', 'users/subscriptions/list', 'users/subscriptions/summary'];

// body: an object, a text as it stands, or undefined for none.
export function ask(server, report, key, body, headers = {}) {
    const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return server.request(`/reports/${report}`, {
        method: 'POST',
        headers: {
            ...(key ? { authorization: `Bearer ${key}` } : {}),
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
        },
        body: text,
    });
}
