#include "sluice/testing/memory_search_engine.h"

#include <nlohmann/json.hpp>

namespace sluice::testing {
namespace {

using nlohmann::json;
using pipeline::DocumentAction;
using pipeline::VersionType;

bool conflicts(const pipeline::Document& document, const StoredDocument& there) {
  switch (document.version_type) {
    case VersionType::None: return document.action == DocumentAction::Create;
    case VersionType::External: return there.version >= document.version;
    case VersionType::ExternalGte: return there.version > document.version;
  }
  return true;
}

bool is_swept(const StoredDocument& document, const pipeline::Sweep& sweep) {
  const json body = json::parse(document.body);
  const auto found = body.find("_sluice");
  if (found == body.end() || found->value("deleted", true)) return false;
  const std::uint64_t version = found->value("v", std::uint64_t{0});
  return found->value("partition", -1) == sweep.partition &&
         (version < sweep.version || (sweep.at_or_below && version == sweep.version));
}

std::string soft_delete_of(const pipeline::Sweep& sweep, const std::string& body) {
  const json row = json::parse(body);
  json deleted;
  for (const std::string& field : sweep.key_fields)
    if (row.contains(field)) deleted[field] = row[field];
  json& sluice = deleted["_sluice"];
  sluice = {{"v", sweep.version},   {"deleted", true},  {"partition", sweep.partition},
            {"epoch", sweep.epoch}, {"lsn", sweep.lsn}, {"ts", sweep.timestamp}};
  if (row["_sluice"].contains("key")) sluice["key"] = row["_sluice"]["key"];
  return deleted.dump();
}

}  // namespace

MemorySearchEngine::Answer MemorySearchEngine::write(const pipeline::Document& document) {
  const auto index = indices_.find(document.index);
  if (index == indices_.end()) return {404, "index_not_found_exception"};
  if (!document.body.starts_with('{') || !json::accept(document.body)) return {400, "document_parsing_exception"};
  const auto there = index->second.find(document.id);
  if (there != index->second.end() && conflicts(document, there->second))
    return {409, "version_conflict_engine_exception"};
  const std::uint64_t version = document.version_type == VersionType::None ? 1 : document.version;
  index->second.insert_or_assign(std::string(document.id), StoredDocument{version, std::string(document.body)});
  ++writes_;
  return {201, {}};
}

std::vector<std::string> MemorySearchEngine::swept_ids(const pipeline::Sweep& sweep, std::size_t max) const {
  std::vector<std::string> ids;
  const auto index = indices_.find(sweep.index);
  if (index == indices_.end()) return ids;
  for (const auto& [id, document] : index->second)
    if (ids.size() < max && is_swept(document, sweep)) ids.push_back(id);
  return ids;
}

std::size_t MemorySearchEngine::sweep(const pipeline::Sweep& sweep) {
  std::size_t count = 0;
  for (const std::string& id : swept_ids(sweep, SIZE_MAX)) {
    const std::string body = soft_delete_of(sweep, find(sweep.index, id)->body);
    const VersionType type = sweep.at_or_below ? VersionType::ExternalGte : VersionType::External;
    if (write({DocumentAction::Index, type, sweep.version, sweep.index, id, body}).status == 201) ++count;
  }
  return count;
}

const StoredDocument* MemorySearchEngine::find(std::string_view index, std::string_view id) const {
  const auto found = indices_.find(index);
  if (found == indices_.end()) return nullptr;
  const auto document = found->second.find(id);
  return document == found->second.end() ? nullptr : &document->second;
}

std::size_t MemorySearchEngine::visible(std::string_view index) const {
  std::size_t count = 0;
  for (const auto& [id, document] : documents(index)) {
    const json body = json::parse(document.body);
    if (!body.contains("_sluice") || !body["_sluice"].value("deleted", false)) ++count;
  }
  return count;
}

}  // namespace sluice::testing
