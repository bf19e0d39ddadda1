// Reads an LMDB data file (format of LMDB 0.9, 64-bit little-endian: lmdb's mdb.c, "MDB_page", "MDB_meta", "MDB_node")
// as bytes of unknown origin, and says whether LMDB may be let at it. LMDB maps its file and follows what it finds
// there: a page number behind the end of the file is a SIGBUS, a bent node a wild read.
//
// Checked: both meta pages and that they are of neighbouring transactions, the length, every page that the newest meta
// page leads to (kind, bounds of all nodes, overflow runs, depth, number of entries), and that the free pages are in
// range, in order and none of those in use.
//
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::offsets {

/// Error: offsets.corrupt (Stop), its message says what does not fit.
base::Result<void> check_lmdb_file(std::string_view bytes);

}  // namespace sluice::offsets
