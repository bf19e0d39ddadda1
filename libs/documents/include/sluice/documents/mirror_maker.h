// Documents of a mirror: the current row of each key, versioned by the source so that arrival order does not matter
// (rules E-1, E-5, E-8, E-9).
//
// A document has the row's columns at the top level and `_sluice`
//   {"v":…,"deleted":false,"partition":0,"epoch":1,"lsn":"0/1693E28","ts":"…"}
// with "key" behind it when the id is a hash of the key, and "incomplete":["big"] when a value was not to be had
// (unchanged TOAST that was not fetched, rule P-31): such a document lacks that field until the row changes again.
// "as_text":["doc"] names columns that the search engine would refuse, which are strings (row_fitter.h). A
// deleted row stays as its key columns with "deleted":true; a key change arrives as the delete of the old key and the
// row of the new one.
//
// Id: the part of the Kafka key behind the table; when that is empty, longer than 512 bytes or no UTF-8, `sha256:` and
// the hash of it in hexadecimal.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/codec/envelope_reader.h"
#include "sluice/documents/mirror_columns.h"
#include "sluice/documents/row_fitter.h"
#include "sluice/pipeline/document_sink.h"

namespace sluice::documents {

class MirrorMaker {
 public:
  /// The document of a row. REQUIRES: the envelope is of a row, and has it (as EnvelopeReader sees to).
  void append(const codec::Envelope& envelope, std::int32_t partition, std::string_view index,
              const MirrorColumns& columns, pipeline::DocumentBatch& out);

  /// REQUIRES: the envelope is of a truncate.
  pipeline::Sweep sweep(const codec::Envelope& envelope, std::int32_t partition, std::string_view index,
                        const MirrorColumns& columns) const;

 private:
  RowFitter fitter_;
};

/// The document of this row lacks a value that was not to be had.
bool is_incomplete(const codec::Envelope& envelope);

/// Whether the id of this key is its hash, and that hash.
bool needs_hash(std::string_view row_key);
std::string hashed_id(std::string_view row_key);

}  // namespace sluice::documents
