#include "sluice/pgoutput/copy_row.h"

#include <fmt/core.h>

namespace sluice::pgoutput {
namespace {

using change::CellKind;

[[gnu::cold]] tl::unexpected<base::Error> bad_row(std::string_view what) {
  return base::fail(
      base::Recovery::Stop, "pgoutput.bad_copy_row",
      fmt::format("a row of COPY {}. Start again; if it comes back, report it with the server's version", what));
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// 0 to 15, or 16.
unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

/// Reads octal digits (`begin` is the first), at most three; more than eight bits are cut as PostgreSQL does.
char octal(const char*& next, const char* end) {
  unsigned value = 0;
  for (int digits = 0; digits < 3 && next < end && is_octal(*next); ++digits)
    value = value * 8 + static_cast<unsigned>(*next++ - '0');
  return static_cast<char>(value & 0xFF);
}

/// Reads what follows "\x": at most two hex digits; without any the x stands for itself.
char hexadecimal(const char*& next, const char* end) {
  if (next == end || hex_digit(*next) == 16) return 'x';
  unsigned value = hex_digit(*next++);
  if (next < end && hex_digit(*next) != 16) value = value * 16 + hex_digit(*next++);
  return static_cast<char>(value);
}

/// The character that the escape at `next` (behind the backslash, not at the end) stands for.
char unescape(const char*& next, const char* end) {
  if (is_octal(*next)) return octal(next, end);
  const char c = *next++;
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case 'x': return hexadecimal(next, end);
    default: return c;
  }
}

/// Unescapes one cell: `next` ends at its tab or at the end, `out` behind what was written. False: a backslash with
/// nothing to escape, or the end mark.
bool unescape_cell(const char*& next, const char* end, char*& out) {
  while (next < end && *next != '\t') {
    if (*next != '\\') {
      *out++ = *next++;
      continue;
    }
    ++next;
    if (next == end || *next == '.') return false;
    *out++ = unescape(next, end);
  }
  return true;
}

/// Reads one cell and leaves `next` at its tab or at the end.
bool read_cell(const char*& next, const char* end, char*& out, change::Row& row) {
  const std::string_view rest(next, static_cast<std::size_t>(end - next));
  const std::string_view raw = rest.substr(0, rest.find('\t'));
  if (raw.find('\\') == std::string_view::npos) {
    row.add({CellKind::Text, raw});
    next += raw.size();
    return true;
  }
  if (raw == "\\N") {
    row.add({CellKind::Null, {}});
    next += raw.size();
    return true;
  }
  char* const begin = out;
  if (!unescape_cell(next, end, out)) return false;
  row.add({CellKind::Text, std::string_view(begin, static_cast<std::size_t>(out - begin))});
  return true;
}

}  // namespace

base::Result<void> CopyRowParser::parse(std::string_view line, std::size_t columns, change::Row& row) {
  row.clear();
  if (line.empty() || line.back() != '\n') return bad_row("does not end with a newline");
  line.remove_suffix(1);
  if (columns == 0) {
    if (!line.empty()) return bad_row("has cells where no columns were asked for");
    return {};
  }
  // What is unescaped is never longer than the line, so the buffer does not move while cells point into it.
  if (unescaped_.size() < line.size()) unescaped_.resize(line.size());
  char* out = unescaped_.data();
  const char* next = line.data();
  const char* const end = next + line.size();
  for (;;) {
    if (row.size() == columns) return bad_row(fmt::format("has more than the {} columns that were asked for", columns));
    if (!read_cell(next, end, out, row)) {
      return bad_row(fmt::format("has a backslash that escapes nothing, or an end mark, in column {}", row.size() + 1));
    }
    if (next == end) break;
    ++next;  // the tab
  }
  if (row.size() != columns) return bad_row(fmt::format("has {} columns where {} were asked for", row.size(), columns));
  return {};
}

}  // namespace sluice::pgoutput
