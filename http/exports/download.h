// SPDX-License-Identifier: Apache-2.0
// GET of an export's file by its signed address, without a key: whole or one range, streamed in pieces.
//
// A download holds a worker only while it reads a piece from the disk. Between the pieces it waits for the
// client to take them without a thread, so a hundred slow clients keep nobody else waiting.
#ifndef DBK_EXPORT_DOWNLOAD_H
#define DBK_EXPORT_DOWNLOAD_H

#include "http/app/call.h"

// The handler of a route whose path's {parameter} is the export's id. On a worker.
void dbk_export_download(dbk_call *call);

#endif
