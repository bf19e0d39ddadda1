// The outside world of the simulation: the topic with its group, the search engine, the dead letters. It outlives the
// members of the group, as servers outlive their clients, and it knows the truth: what is finished and what is not.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/pipeline/document_sink.h"
#include "sluice/pipeline/group_checkpoint.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::pipeline::simulation {

inline constexpr std::string_view kGroup = "g";
inline constexpr std::string_view kTopic = "t";
inline constexpr std::string_view kJournal = "journal";
inline constexpr std::string_view kMirror = "mirror";

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  int below(int bound) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(bound)); }
  bool one_in(int n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

enum class Kind : char {
  Write = 'w',
  Delete = 'd',
  Truncate = 't',
  Marker = 'm',
  Poison = 'x',      ///< the search engine refuses its document for ever
  Unreadable = 'y',  ///< no document can be made of it
};

struct SimRecord {
  Offset offset = 0;
  Kind kind = Kind::Write;
  std::string id;
  std::string key;
  std::uint64_t version = 0;
  bool saturated = false;
  int value = 0;
  std::string text;  ///< what stands in Kafka: kind id key version saturated value
};

inline std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    words.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return words;
}

inline std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct MirrorDocument {
  std::uint64_t version = 0;
  bool deleted = false;
  int value = 0;
  int partition = 0;
};

/// Versions as the real one has them (rule E-1). A copy is a backup.
struct Engine {
  std::map<std::string, int, std::less<>> journal;  ///< id → how often it was created
  std::map<std::string, MirrorDocument, std::less<>> mirror;
  std::map<std::string, std::string, std::less<>> checkpoints;
  std::map<int, Offset> highest_checkpoint;  ///< by partition

  void store(const std::string& id, const std::string& json) {
    const auto checkpoint = parse_group_checkpoint(json);
    Offset& highest = highest_checkpoint[checkpoint->partition.number];
    highest = std::max(highest, checkpoint->offset);
    checkpoints[id] = json;
  }

  ItemOutcome write(const Document& document) {
    if (document.body == "poison") return ItemOutcome::Rejected;
    if (document.action == DocumentAction::Create) {
      const bool is_new = journal.try_emplace(std::string(document.id), 1).second;
      return is_new ? ItemOutcome::Written : ItemOutcome::Superseded;
    }
    const auto words = split(document.body);
    return put(
        std::string(document.id), document.version_type, document.version,
        {document.version, words[1] == "1", static_cast<int>(number(words[0])), static_cast<int>(number(words[2]))});
  }

  ItemOutcome put(const std::string& id, VersionType type, std::uint64_t version, MirrorDocument document) {
    const auto found = mirror.find(id);
    if (found != mirror.end()) {
      const std::uint64_t current = found->second.version;
      if (type == VersionType::External && current >= version) return ItemOutcome::Superseded;
      if (type == VersionType::ExternalGte && current > version) return ItemOutcome::Superseded;
    }
    mirror[id] = document;
    return ItemOutcome::Written;
  }

  void sweep(const Sweep& sweep) {
    for (auto& [id, document] : mirror) {
      const bool is_below = sweep.at_or_below ? document.version <= sweep.version : document.version < sweep.version;
      if (document.partition == sweep.partition && !document.deleted && is_below) {
        document.version = sweep.version;
        document.deleted = true;
      }
    }
  }
};

struct PartitionLog {
  std::deque<SimRecord> records;
  Offset end = 0;
  std::optional<Offset> committed;
  int owner = -1;        ///< member; -1: nobody
  int generation = 0;    ///< of the assignment: an answer to an earlier one has no effect
  bool revoked = false;  ///< the owner was told to give it back
};

class World {
 public:
  World(std::uint64_t seed, int partitions) : random(seed), logs(static_cast<std::size_t>(partitions)) {}

  Random random;
  std::vector<PartitionLog> logs;
  Engine engine;
  std::set<std::pair<int, Offset>> letters;
  std::vector<SimRecord> stream;  ///< every record as it was first appended, a truncate once: what really happened
  std::string violation;          ///< the first broken promise; empty: none

  int partition_of(std::string_view key) const { return static_cast<int>(number(key.substr(1)) % logs.size()); }

  void append(int partition, SimRecord record) {
    PartitionLog& log = logs[static_cast<std::size_t>(partition)];
    if (random.one_in(10)) log.end += 1 + random.below(2);  // offsets have gaps
    record.offset = log.end++;
    log.records.push_back(std::move(record));
  }

  void violate(std::string what) {
    if (violation.empty()) violation = std::move(what);
  }

  /// Everything below `offset` must have its outcome: what K-14 promises with a checkpoint or a commit.
  void check_finished(int partition, Offset offset, std::string_view promise) {
    for (const SimRecord& record : logs[static_cast<std::size_t>(partition)].records) {
      if (record.offset >= offset) return;
      if (!is_finished(partition, record)) {
        violate(std::string(promise) + " is beyond the unfinished record " + record.text);
        return;
      }
    }
  }

  bool is_finished(int partition, const SimRecord& record) const {
    switch (record.kind) {
      case Kind::Marker: return true;
      case Kind::Poison:
      case Kind::Unreadable: return letters.contains({partition, record.offset});
      case Kind::Write:
      case Kind::Delete: {
        const auto found = engine.mirror.find(record.key);
        return engine.journal.contains(record.id) && found != engine.mirror.end() &&
               found->second.version >= record.version;
      }
      // A replay of tied versions may bring rows back until it reaches its own truncate: the mirror is judged in the
      // end.
      case Kind::Truncate: return engine.journal.contains(record.id);
    }
    return false;
  }

  /// Committed is never beyond what the search engine was told (rule K-15). A member that does not know yet that it
  /// lost the partition may have stored less since: then a start goes back a little too far, which harms nothing.
  void check_commit(int partition, Offset offset) {
    check_finished(partition, offset, "a commit");
    const auto found = engine.highest_checkpoint.find(partition);
    if (found == engine.highest_checkpoint.end() || found->second < offset) {
      violate("a commit is beyond the stored checkpoint");
    }
  }
};

}  // namespace sluice::pipeline::simulation
