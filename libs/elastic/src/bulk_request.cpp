#include "sluice/elastic/bulk_request.h"

#include <charconv>

#include "json_text.h"
#include "sluice/base/check.h"

namespace sluice::elastic {
namespace {

using pipeline::Document;
using pipeline::DocumentAction;
using pipeline::VersionType;

void check(const Document& document) {
  SLUICE_CHECK(!document.index.empty(), "every document names its index");
  SLUICE_CHECK(!document.id.empty() && document.id.size() <= kMaxIdBytes,
               "ids have 1 to 512 bytes; longer keys are hashed");
  SLUICE_CHECK(document.version <= kMaxVersion, "external versions have 63 bits");
  SLUICE_CHECK((document.version_type == VersionType::None) == (document.action == DocumentAction::Create),
               "`create` has no version, `index` always an external one (E-2)");
  SLUICE_CHECK(!document.body.empty() && document.body.find('\n') == std::string_view::npos,
               "bodies are one line of JSON: a line break would begin another item");
}

/// The action line up to the id is the same for all documents of one index and action, so it is rendered once.
class ActionLine {
 public:
  void append(const Document& document, std::string& out) {
    if (document.index != index_ || document.action != action_) begin(document);
    out += prefix_;
    append_json_escaped(document.id, out);
    if (document.version_type == VersionType::None) {
      out += "\"}}\n";
      return;
    }
    out += "\",\"version\":";
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, document.version).ptr;
    out.append(digits, end);
    out += document.version_type == VersionType::External ? ",\"version_type\":\"external\"}}\n"
                                                          : ",\"version_type\":\"external_gte\"}}\n";
  }

 private:
  void begin(const Document& document) {
    index_ = document.index;
    action_ = document.action;
    prefix_ = action_ == DocumentAction::Create ? "{\"create\":{\"_index\":" : "{\"index\":{\"_index\":";
    append_json_string(index_, prefix_);
    prefix_ += ",\"_id\":\"";
  }

  std::string_view index_;
  DocumentAction action_ = DocumentAction::Create;
  std::string prefix_;
};

}  // namespace

void append_bulk(const pipeline::DocumentBatch& batch, std::size_t begin, std::size_t end, std::string& out) {
  ActionLine line;
  for (std::size_t i = begin; i < end; ++i) {
    const Document document = batch[i];
    check(document);
    line.append(document, out);
    out += document.body;
    out += '\n';
  }
}

}  // namespace sluice::elastic
