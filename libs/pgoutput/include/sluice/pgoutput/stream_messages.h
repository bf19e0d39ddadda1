// The messages of protocol version 2 that carry a transaction which is still in progress ("streaming"), and their
// parsers. Between a Stream Start and its Stream Stop stand messages of protocol 1 with a transaction id behind the
// kind.
//
// Source of the layout: PostgreSQL 15 manual, "Logical Replication Message Formats", and
// src/backend/replication/logical/proto.c.
//
// Thread rule: pure functions. Error, Stop: pgoutput.malformed.
#pragma once

#include <cstdint>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::pgoutput {

enum class StreamMessageKind : char {
  None = 0,  ///< a message of protocol 1, or an unknown one
  Start = 'S',
  Stop = 'E',
  Commit = 'c',
  Abort = 'A',
};

struct StreamStart {
  std::uint32_t xid = 0;  ///< of the top-level transaction
  bool first_segment = false;
};

struct StreamAbort {
  std::uint32_t xid = 0;     ///< of the top-level transaction
  std::uint32_t subxid = 0;  ///< of the subtransaction; equal to xid: the whole transaction
};

StreamMessageKind stream_message_kind(std::string_view message);

// Each REQUIRES: stream_message_kind(message) is the kind named by the function.
base::Result<StreamStart> parse_stream_start(std::string_view message);
base::Result<void> parse_stream_stop(std::string_view message);
/// Gives the xid; what follows it in the message is laid out as the body of a Commit.
base::Result<std::uint32_t> parse_stream_commit(std::string_view message);
/// LSN and time of the abort, which newer protocols append, are passed over.
base::Result<StreamAbort> parse_stream_abort(std::string_view message);

}  // namespace sluice::pgoutput
