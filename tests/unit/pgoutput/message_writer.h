// Captures as a little language: builds pgoutput messages byte by byte, independently of the parser.
//
//   insert(16385, {text("1"), null()})
//   update(16385, key({text("1")}), {text("2"), unchanged()})
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing::wire {

class Bytes {
 public:
  Bytes& u8(std::uint64_t value) { return number(value, 1); }
  Bytes& u16(std::uint64_t value) { return number(value, 2); }
  Bytes& u32(std::uint64_t value) { return number(value, 4); }
  Bytes& u64(std::uint64_t value) { return number(value, 8); }
  Bytes& character(char value) {
    out_.push_back(value);
    return *this;
  }
  Bytes& raw(std::string_view value) {
    out_.append(value);
    return *this;
  }
  Bytes& c_string(std::string_view value) {
    out_.append(value).push_back('\0');
    return *this;
  }
  std::string str() const { return out_; }

 private:
  Bytes& number(std::uint64_t value, int size) {
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) out_.push_back(static_cast<char>((value >> shift) & 0xFF));
    return *this;
  }
  std::string out_;
};

// Cells and tuples.
using Cells = std::vector<std::string>;
inline std::string null() { return "n"; }
inline std::string unchanged() { return "u"; }
inline std::string text(std::string_view value) { return Bytes().character('t').u32(value.size()).raw(value).str(); }
inline std::string binary(std::string_view value) { return Bytes().character('b').u32(value.size()).raw(value).str(); }
inline std::string tuple(char kind, const Cells& cells) {
  Bytes bytes;
  bytes.character(kind).u16(cells.size());
  for (const std::string& cell : cells) bytes.raw(cell);
  return bytes.str();
}
/// Old tuples.
inline std::string key(const Cells& cells) { return tuple('K', cells); }
inline std::string old(const Cells& cells) { return tuple('O', cells); }

struct Column {
  std::string name;
  std::uint32_t type_oid = 25;
  bool identity = false;
  std::int32_t type_modifier = -1;
};
inline Column key_column(std::string name, std::uint32_t type_oid = 23) {
  return {std::move(name), type_oid, true, -1};
}

/// Microseconds since 2000-01-01.
inline constexpr std::int64_t kCommitTime = 700'000'000'000'000;

inline std::string begin(std::uint64_t final_lsn, std::uint32_t xid = 771, std::int64_t time = kCommitTime) {
  return Bytes().character('B').u64(final_lsn).u64(static_cast<std::uint64_t>(time)).u32(xid).str();
}
inline std::string commit(std::uint64_t commit_lsn, std::uint64_t end_lsn, std::int64_t time = kCommitTime) {
  return Bytes().character('C').u8(0).u64(commit_lsn).u64(end_lsn).u64(static_cast<std::uint64_t>(time)).str();
}
inline std::string origin(std::uint64_t lsn, std::string_view name) {
  return Bytes().character('O').u64(lsn).c_string(name).str();
}
inline std::string type(std::uint32_t oid, std::string_view schema, std::string_view name) {
  return Bytes().character('Y').u32(oid).c_string(schema).c_string(name).str();
}
inline std::string relation(std::uint32_t oid, std::string_view schema, std::string_view name, char identity,
                            const std::vector<Column>& columns) {
  Bytes bytes;
  bytes.character('R').u32(oid).c_string(schema).c_string(name).character(identity).u16(columns.size());
  for (const Column& column : columns) {
    bytes.u8(column.identity ? 1 : 0).c_string(column.name).u32(column.type_oid);
    bytes.u32(static_cast<std::uint32_t>(column.type_modifier));
  }
  return bytes.str();
}
inline std::string insert(std::uint32_t oid, const Cells& row) {
  return Bytes().character('I').u32(oid).raw(tuple('N', row)).str();
}
inline std::string update(std::uint32_t oid, const Cells& row) {
  return Bytes().character('U').u32(oid).raw(tuple('N', row)).str();
}
inline std::string update(std::uint32_t oid, std::string_view old_tuple, const Cells& row) {
  return Bytes().character('U').u32(oid).raw(old_tuple).raw(tuple('N', row)).str();
}
inline std::string remove(std::uint32_t oid, std::string_view old_tuple) {
  return Bytes().character('D').u32(oid).raw(old_tuple).str();
}
inline std::string truncate(const std::vector<std::uint32_t>& oids, std::uint8_t flags = 0) {
  Bytes bytes;
  bytes.character('T').u32(oids.size()).u8(flags);
  for (const std::uint32_t oid : oids) bytes.u32(oid);
  return bytes.str();
}
inline std::string message(std::uint64_t lsn, std::string_view prefix, std::string_view content,
                           std::uint8_t flags = 1) {
  return Bytes().character('M').u8(flags).u64(lsn).c_string(prefix).u32(content.size()).raw(content).str();
}

}  // namespace sluice::testing::wire
