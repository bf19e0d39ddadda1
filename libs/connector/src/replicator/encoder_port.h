// The codec behind the pipeline's Encoder port: adds the time, the route and the control record of a schema.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "sluice/codec/envelope_encoder.h"
#include "sluice/codec/stream_header.h"
#include "sluice/pipeline/encoder.h"

namespace sluice::connector {

/// What the control topic has of schemas: key → value.
using Announced = std::map<std::string, std::string>;

class EncoderPort final : public pipeline::Encoder {
 public:
  EncoderPort(codec::EncoderOptions options, codec::Route route, Announced announced);

  /// These records are acknowledged: prepare() need not send them again.
  void add(Announced announced) {
    announced.merge(announced_);
    announced_ = std::move(announced);
  }

  base::Result<void> prepare(const change::TableSchemaPtr& schema, change::RecordBatch& announcement) override;
  base::Result<void> encode(const change::ChangeEvent& event, change::RecordBatch& out) override;
  std::string_view header(change::RecordKind kind, const change::EventId& last) override;

  /// Pieces of text that were no UTF-8 and were replaced, since the last call.
  std::uint64_t take_replacements() {
    const std::uint64_t all = encoder_.replacements();
    return all - std::exchange(replacements_taken_, all);
  }

 private:
  codec::EnvelopeEncoder encoder_;
  codec::Route route_;
  Announced announced_;
  std::uint64_t replacements_taken_ = 0;
  codec::StreamHeaderBytes header_{};
};

}  // namespace sluice::connector
