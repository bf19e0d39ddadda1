// What a record in one of our topics says of the stream, as tails and gaps are judged by it (rule K-9).
//
// Thread rule: pure.
#pragma once

#include "sluice/kafka/tails.h"

namespace sluice::connector {

/// By its header, else by the id its value begins with. Errors: those of codec::decode_header().
base::Result<kafka::RecordClue> read_clue(const pipeline::ConsumedRecord& record);

}  // namespace sluice::connector
