// What is written into Kafka: key, value and header of one record, and where it goes.
//
// Thread rule: one thread. Key and value of a Record point into the RecordBatch that holds it and live until more is
// appended to it, or its next clear().
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/base/text_buffer.h"
#include "sluice/change/event_id.h"

namespace sluice::change {

/// Index of a topic in the list the pipeline was started with; kControlTopic is the control topic.
using TopicIndex = std::uint32_t;
inline constexpr TopicIndex kControlTopic = 0xFFFF'FFFF;

enum class RecordKind : std::uint8_t {
  Stream,    ///< an event of the stream: has an id and takes part in rule K-9
  Snapshot,  ///< a snapshot row: no order, no filter
  Marker,    ///< sluice:marker
  Control,   ///< a record of the control topic
};

struct Record {
  TopicIndex topic = 0;
  std::int32_t partition = 0;
  RecordKind kind = RecordKind::Stream;
  EventId id;  ///< Stream: what K-9 compares
  std::string_view key;
  std::string_view value;
  bool tombstone = false;   ///< null value
  std::string_view header;  ///< value of the header `sluice`; empty: no header
};

/// The records of one item, their bytes in one buffer that is reused.
class RecordBatch {
 public:
  void clear();

  /// The buffer, to append to. Sizes before and after an append delimit a piece.
  base::TextBuffer& bytes() { return bytes_; }

  struct Piece {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  Piece append(std::string_view text);
  /// A new record, to be filled in where it stands; key and value are the pieces. Valid until the next add().
  Record& add(Piece key, Piece value);

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  /// Valid until the next append to bytes(), add() or clear().
  Record& operator[](std::size_t index);

  struct Mark {
    std::size_t records = 0;
    std::size_t bytes = 0;
  };
  Mark mark() const { return {entries_.size(), bytes_.size()}; }
  /// Takes away what was added since.
  void cut_back_to(Mark mark);

 private:
  struct Entry {
    Record record;
    Piece key;
    Piece value;
  };
  base::TextBuffer bytes_;
  std::vector<Entry> entries_;
};

}  // namespace sluice::change
