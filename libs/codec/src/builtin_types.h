// Names of the types that the codec knows by OID.
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::codec {

/// "int4"; of an array type the name of its elements' type. Empty: not built in.
std::string_view builtin_type_name(std::uint32_t oid);

/// base, array, range or multirange, as the control topic has it. Empty: not built in.
std::string_view builtin_category(std::uint32_t oid);

/// The OID of a built-in type of arrays.
bool is_builtin_array(std::uint32_t oid);

/// The OID of the elements of a built-in type of arrays.
std::uint32_t builtin_element(std::uint32_t array_oid);

}  // namespace sluice::codec
