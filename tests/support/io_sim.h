// SPDX-License-Identifier: Apache-2.0
// A simulated disk behind engine/io/io.h, for tests: everything it does follows from one seed.
//
// The fault model is the one that docs/FORMAT.md is designed against. What was not synced when the power
// fails is in the hands of the seed, sector by sector (512 bytes) and name by name, in no order: a written
// sector survives whole, in part, not at all, or as garbage; a created file is there or not; a removed one is
// back or not. What was synced stays. A failed sync loses its writes although reads still show them, and a
// later sync reports success.
#ifndef DBK_TEST_IO_SIM_H
#define DBK_TEST_IO_SIM_H

#include "engine/base/random.h"
#include "engine/io/io.h"

typedef struct sim_disk sim_disk;

sim_disk *sim_disk_create(void);
// A copy of the disk as it is, unsynced state included. Faults and the hook are not copied.
sim_disk *sim_disk_clone(const sim_disk *disk);
void sim_disk_destroy(sim_disk *disk);

// A dbk_io on the disk. Several may be open, each of another thread as long as all only read; close each with
// dbk_io_close.
dbk_io *sim_disk_io(sim_disk *disk);

// The power fails now: decides what becomes of everything unsynced.
void sim_disk_crash(sim_disk *disk, dbk_random *random);

// Called before each operation that changes the disk or promises something about it (create, allocate, write,
// sync, remove, directory sync) takes effect. `step` counts them from 1.
typedef void (*sim_hook)(void *user, sim_disk *disk, uint64_t step);
void sim_disk_on_step(sim_disk *disk, sim_hook hook, void *user);

typedef enum sim_fault {
    SIM_NONE,
    SIM_SYNC_FAILS,     // a sync reports EIO and loses what it should have kept
    SIM_SYNC_FORGOTTEN, // a sync reports success and does nothing: the bug that the simulator must find
    SIM_WRITE_FAILS,    // EIO, part of the write may be there
    SIM_READ_FAILS,     // EIO, and nothing is read
    SIM_NO_SPACE,       // allocate and writes that grow a file report ENOSPC
} sim_fault;
// The fault strikes at the n-th matching operation from now (1 = the next) and, when `forever`, at all later
// ones.
void sim_disk_fail(sim_disk *disk, sim_fault fault, uint64_t n, bool forever);

// For damage tests: the current bytes of a file, NULL when it does not exist.
uint8_t *sim_disk_bytes(sim_disk *disk, const char *name, size_t *size);
size_t sim_disk_files(const sim_disk *disk);
const char *sim_disk_file_name(const sim_disk *disk, size_t index);

#endif
