// Types of PostgreSQL, and for each random and special values in SQL, for tests that carry them somewhere.
#pragma once

#include <string>
#include <vector>

namespace sluice::testing {

/// A column v of a type. `expected` is SQL over v that yields the JSON, in a session with
/// TimeZone UTC and IntervalStyle iso_8601: nothing of it is ours.
struct TypeCase {
  std::string name;
  std::string type;
  std::string random;                 ///< SQL over the series i
  std::vector<std::string> specials;  ///< SQL expressions
  std::string expected = "to_json(v)";
  std::string setup = {};  ///< SQL before the table is made
};

/// Expectations that several types have in common.
extern const std::string kText;
extern const std::string kZoned;

/// All that PostgreSQL and its own extensions have, and what users make of them.
extern const std::vector<TypeCase> kAllTypes;

/// PostGIS, and pgvector. `Docker_Files/native/install extensions` brings both, for PostgreSQL 15 and 18.
extern const std::vector<TypeCase> kPostgisTypes;
extern const std::vector<TypeCase> kVectorTypes;

}  // namespace sluice::testing
