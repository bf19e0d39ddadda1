#include "sluice/codec/value_encoder.h"

#include "value_type.h"

namespace sluice::codec {

class ValueEncoder::Impl : public ValueContext {};

ValueEncoder::ValueEncoder() : impl_(std::make_unique<Impl>()) {}
ValueEncoder::~ValueEncoder() = default;
ValueEncoder::ValueEncoder(ValueEncoder&&) noexcept = default;
ValueEncoder& ValueEncoder::operator=(ValueEncoder&&) noexcept = default;

bool ValueEncoder::append(const ValueType& type, std::string_view text, base::TextBuffer& out) {
  return type.append(*impl_, type, text, out);
}

void ValueEncoder::append_string(std::string_view text, base::TextBuffer& out) {
  append_text(*impl_, ValueType{}, text, out);
}

std::uint64_t ValueEncoder::replacements() const { return impl_->replacements; }

}  // namespace sluice::codec
