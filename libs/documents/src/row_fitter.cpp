#include "sluice/documents/row_fitter.h"

#include "json_text.h"

namespace sluice::documents {
namespace {

// What Elasticsearch 8 and 9 take: a thousand brackets in each other and numbers of a thousand characters (Jackson's
// bounds), 500 objects in each other in a flattened field (index_bodies.cpp), and terms of 32,766 bytes, which hold the
// path and a value of up to 24,573.
constexpr codec::JsonLimits kLimits = {.max_nesting = 480, .max_number_bytes = 1'000, .max_path_bytes = 8'000};

bool begins_number(char byte) { return byte == '-' || (byte >= '0' && byte <= '9'); }

/// Rows of short scalars, which most are, need no closer look.
bool is_plain(std::string_view row) {
  return row.size() <= kLimits.max_number_bytes && row.find('{', 1) == std::string_view::npos &&
         row.find('[', 1) == std::string_view::npos;
}

}  // namespace

bool RowFitter::fits(std::string_view value) {
  const char first = value.front();
  return (first != '{' && first != '[' && !begins_number(first)) || checker_.keeps(kLimits, value);
}

std::string_view RowFitter::fit(std::string_view row) {
  as_text_.clear();
  if (row.empty() || is_plain(row)) return row;
  for (codec::FieldCursor fields(row); fields.next();) {
    if (!fits(fields.raw_value())) as_text_.push_back(fields.raw_name());
  }
  if (!as_text_.empty()) rewrite(row);
  return as_text_.empty() ? row : std::string_view(fitted_);
}

void RowFitter::rewrite(std::string_view row) {
  fitted_.clear();
  std::size_t next_text = 0;
  for (codec::FieldCursor fields(row); fields.next();) {
    fitted_.push_back(fitted_.empty() ? '{' : ',');
    fitted_ += fields.raw_name();
    fitted_.push_back(':');
    if (next_text < as_text_.size() && as_text_[next_text].data() == fields.raw_name().data()) {
      append_json_string(fields.raw_value(), fitted_);
      ++next_text;
    } else {
      fitted_ += fields.raw_value();
    }
  }
  fitted_.push_back('}');
}

}  // namespace sluice::documents
