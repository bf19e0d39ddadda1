#include "nearest.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace sluice::config {
namespace {

/// A longer name is no slip of the keyboard, and the distance costs its square.
constexpr std::size_t kMaxBytes = 64;

std::string plain(std::string_view name) {
  std::string out;
  for (const char byte : name.substr(0, kMaxBytes)) {
    if (byte != '_' && byte != '-') out += static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  }
  return out;
}

/// Insertions, deletions, replacements, and swaps of neighbours (Damerau and Levenshtein, restricted).
std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string wanted = plain(name);
  std::optional<std::string> best;
  std::size_t fewest = std::max<std::size_t>(2, wanted.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::string known = plain(candidate);
    const bool abbreviated =
        wanted.size() >= 3 && known.size() >= 3 && (known.starts_with(wanted) || wanted.starts_with(known));
    const std::size_t distance = abbreviated && known != wanted ? 1 : edits(wanted, known);
    if (distance < fewest && distance < std::max(wanted.size(), known.size())) {
      fewest = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace sluice::config
