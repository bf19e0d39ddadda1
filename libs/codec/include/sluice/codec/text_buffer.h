// A buffer to append text to that grows and never shrinks: after the first records no append allocates. Unlike
// std::string it gives out room that is not cleared before, so that a writer may reserve for the worst case and then
// write without asking.
//
// Thread rule: one thread.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "sluice/base/check.h"

namespace sluice::codec {

class TextBuffer {
 public:
  std::string_view view() const { return {bytes_.get(), size_}; }
  std::string_view view_from(std::size_t begin) const { return view().substr(begin); }
  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }
  /// Takes away what was appended since size() was `size`.
  void cut_back_to(std::size_t size) {
    SLUICE_CHECK(size <= size_, "a buffer is cut back to where it was before");
    size_ = size;
  }
  void overwrite(std::size_t at, char byte) {
    SLUICE_CHECK(at < size_, "only what was written is overwritten");
    bytes_[at] = byte;
  }

  /// Where the next byte goes; at least `size` bytes may be written there. Valid until the next append.
  char* room(std::size_t size) {
    if (capacity_ - size_ < size) grow(size);
    return bytes_.get() + size_;
  }
  /// Takes what was written into the last room(), up to `end`.
  void written_to(const char* end) { size_ = static_cast<std::size_t>(end - bytes_.get()); }

  void append(std::string_view text) {
    char* to = room(text.size());
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    size_ += text.size();
  }
  void append(char byte) {
    *room(1) = byte;
    ++size_;
  }
  void append_number(std::integral auto number) {
    constexpr std::size_t kMaxDigits = 20;  // of a 64-bit number, sign included
    char* to = room(kMaxDigits);
    written_to(std::to_chars(to, to + kMaxDigits, number).ptr);
  }

 private:
  void grow(std::size_t size) {
    const std::size_t wanted = size_ + size;
    std::size_t capacity = capacity_ < 1024 ? 1024 : capacity_;
    while (capacity < wanted) capacity *= 2;
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ != 0) std::memcpy(bytes.get(), bytes_.get(), size_);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice::codec
