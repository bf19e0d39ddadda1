// Reads big-endian numbers and strings out of bytes that a peer sent. Every read checks the bounds; after the first
// read past the end the reader is failed(), and all further reads give zero or an empty view. So a parser reads a whole
// structure and asks once.
//
// Thread rule: one thread. Views point into the bytes given to the constructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace sluice::base {

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : begin_(bytes.data()), rest_(bytes) {}

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::int16_t i16() { return static_cast<std::int16_t>(u16()); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }

  /// The next `size` bytes.
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) [[unlikely]]
      return fail();
    const std::string_view taken(rest_.data(), size);
    rest_.remove_prefix(size);
    return taken;
  }

  /// The bytes up to the next NUL, which is consumed too.
  std::string_view c_string() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return fail();
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return taken;
  }

  std::size_t remaining() const { return rest_.size(); }
  bool failed() const { return failed_; }
  /// Of the next byte; after a failure: of the read that failed.
  std::size_t offset() const { return static_cast<std::size_t>(rest_.data() - begin_); }
  /// Nothing was read past the end, and nothing is left over.
  bool finished() const { return !failed_ && rest_.empty(); }

 private:
  template <class T>
  T number() {
    const std::string_view taken = bytes(sizeof(T));
    if (taken.size() != sizeof(T)) return 0;
    T value;
    std::memcpy(&value, taken.data(), sizeof(T));
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    return value;
  }

  [[gnu::cold, gnu::noinline]] std::string_view fail() {
    failed_ = true;
    rest_ = rest_.substr(0, 0);
    return {};
  }

  const char* begin_;
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace sluice::base
