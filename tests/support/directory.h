// SPDX-License-Identifier: Apache-2.0
// Directories of plain files that tests leave behind.
#ifndef DBK_TEST_DIRECTORY_H
#define DBK_TEST_DIRECTORY_H

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

// Removes its files. A directory that is not there is empty.
static inline void dbk_test_directory_empty(const char *path)
{
    DIR *stream = opendir(path);
    for (struct dirent *e; stream && (e = readdir(stream)) != NULL;)
        unlinkat(dirfd(stream), e->d_name, 0);
    if (stream)
        closedir(stream);
}

// … and the directory itself.
static inline void dbk_test_directory_remove(const char *path)
{
    dbk_test_directory_empty(path);
    rmdir(path);
}

#endif
