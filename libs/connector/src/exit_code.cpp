#include "sluice/connector/exit_code.h"

namespace sluice::connector {

ExitCode exit_code_of(const base::Error& error) {
  if (error.id == "replicator.not_settled" || error.id == "es_consumer.not_settled") return ExitCode::NotSettled;
  // A routing change is found by comparing with the state, not by reading the file: the operator has to decide.
  const bool is_configuration = error.id.starts_with("config.") && error.id != "config.routing_changed";
  if (is_configuration) return ExitCode::Usage;
  return error.recovery == base::Recovery::Retry ? ExitCode::Outage : ExitCode::Stopped;
}

}  // namespace sluice::connector
