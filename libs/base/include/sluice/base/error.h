// The one error type of the house, and Result<T>: how whatever the outside world can cause is told to a caller.
//
// Thread rule: values; no shared state.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace sluice::base {

/// What the caller must do. Nothing else about an error is ever branched on.
enum class Recovery {
  Retry,   ///< the same thing may work later: back off and try again (supervise() is the only place that does)
  Reject,  ///< this record can never work, others can: the dead-letter policy decides
  Stop,    ///< an operator has to decide: the program ends with the id and the remedy
};

std::string_view to_string(Recovery recovery);

/// A failure caused by the outside world. `id` is `area.reason`, always a string literal, and stands in the README's
/// operations table. `message` is a sentence for people that ends with what to do; it never holds a cell value or a
/// secret.
struct [[nodiscard]] Error {
  Recovery recovery;
  std::string_view id;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

/// return fail(Recovery::Stop, "pg.slot_missing", "…");
tl::unexpected<Error> fail(Recovery recovery, std::string_view id, std::string message);

/// The same error one floor higher, with what was being attempted in front of the message.
tl::unexpected<Error> prefixed(std::string_view context, Error error);

}  // namespace sluice::base

/// Leaves the function with the error of `expression` (a Result) unless it holds a value.
#define SLUICE_TRY(expression)                                          \
  do {                                                                  \
    if (auto sluice_try_result = (expression); !sluice_try_result)      \
      return tl::make_unexpected(std::move(sluice_try_result.error())); \
  } while (false)

#define SLUICE_CONCAT_(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_(a, b)

/// SLUICE_ASSIGN(auto row, read_row(bytes)): declares `row`, or leaves the function with the error.
#define SLUICE_ASSIGN(declaration, expression)                                              \
  auto SLUICE_CONCAT(sluice_result_, __LINE__) = (expression);                              \
  if (!SLUICE_CONCAT(sluice_result_, __LINE__))                                             \
    return tl::make_unexpected(std::move(SLUICE_CONCAT(sluice_result_, __LINE__).error())); \
  declaration = std::move(*SLUICE_CONCAT(sluice_result_, __LINE__))
