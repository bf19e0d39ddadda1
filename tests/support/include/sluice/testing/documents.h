// Words for tests that send documents: make a batch, wait for outcomes.
//
// Thread rule: one thread.
#pragma once

#include <poll.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/pipeline/document_sink.h"

namespace sluice::testing {

inline void add_document(pipeline::DocumentBatch& batch, pipeline::DocumentAction action,
                         pipeline::VersionType version_type, std::uint64_t version, std::string_view index,
                         std::string_view id, std::string_view body) {
  const auto append = [&batch](std::string_view text) {
    pipeline::DocumentBatch::Piece piece{batch.bytes().size(), text.size()};
    batch.bytes() += text;
    return piece;
  };
  pipeline::Document document;
  document.action = action;
  document.version_type = version_type;
  document.version = version;
  const auto index_piece = append(index);
  const auto id_piece = append(id);
  batch.add(document, index_piece, id_piece, append(body));
}

inline void add_create(pipeline::DocumentBatch& batch, std::string_view index, std::string_view id,
                       std::string_view body = R"({"op":"c"})") {
  add_document(batch, pipeline::DocumentAction::Create, pipeline::VersionType::None, 0, index, id, body);
}

/// A mirror's document as the README has it, with one column `name`.
inline std::string mirror_body(std::uint64_t version, int partition = 0, std::string_view name = "Ada",
                               bool deleted = false) {
  return R"({"name":")" + std::string(name) + R"(","_sluice":{"v":)" + std::to_string(version) + R"(,"deleted":)" +
         (deleted ? "true" : "false") + R"(,"partition":)" + std::to_string(partition) +
         R"(,"epoch":1,"lsn":"0/1693E28","ts":"2026-11-21T08:00:00Z"}})";
}

inline void add_index(pipeline::DocumentBatch& batch, std::string_view index, std::string_view id,
                      std::uint64_t version, std::string_view body,
                      pipeline::VersionType type = pipeline::VersionType::External) {
  add_document(batch, pipeline::DocumentAction::Index, type, version, index, id, body);
}

/// Waits as a pipeline does, until `count` outcomes came; fewer when the deadline passes. An error ends it.
inline base::Result<std::vector<pipeline::BatchOutcome>> wait_for_outcomes(
    pipeline::DocumentSink& sink, std::size_t count, std::chrono::milliseconds patience = std::chrono::seconds(120)) {
  std::vector<pipeline::BatchOutcome> all;
  const auto deadline = base::Clock::now() + patience;
  while (true) {
    SLUICE_ASSIGN(auto some, sink.outcomes());
    for (pipeline::BatchOutcome& outcome : some) all.push_back(std::move(outcome));
    if (all.size() >= count || base::Clock::now() >= deadline) return all;
    const pipeline::Wait wait = sink.waits_for();
    const auto until = std::min(wait.deadline.value_or(deadline), deadline);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - base::Clock::now()).count();
    pollfd descriptor{wait.fd, wait.events, 0};
    poll(&descriptor, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
  }
}

}  // namespace sluice::testing
