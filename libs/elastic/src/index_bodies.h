// The JSON of index settings, mappings and templates (rules E-11, E-13).
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

#include "sluice/elastic/index_admin.h"

namespace sluice::elastic {

/// Which of the three kinds of our indices.
enum class IndexKind { Journal, Mirror, Bookkeeping };

/// `properties`: of the mirror's columns, a JSON object; else not looked at.
std::string mapping_body(IndexKind kind, Product product, std::string_view properties);

/// `{"settings":…,"mappings":…}`.
std::string index_body(IndexKind kind, const IndexOptions& options, const std::string& mapping);

/// An index template around the index body. The more specific pattern wins.
std::string template_body(std::string_view pattern, Product product, const std::string& index_body);

}  // namespace sluice::elastic
