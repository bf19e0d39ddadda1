// The one place where a pipeline's thread sleeps.
#pragma once

#include <initializer_list>

#include "sluice/base/clock.h"
#include "sluice/pipeline/stop_signal.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::pipeline {

/// Waits until one of the descriptors is ready, one of the deadlines or `deadline` has passed, or a stop is requested.
/// Set `watch_stop` to Ignored once the stop is being carried out, else its descriptor stays ready.
enum class WatchStop { Watched, Ignored };
void wait(const StopSignal& stop, WatchStop watch_stop, base::Deadline deadline, std::initializer_list<Wait> waits);

}  // namespace sluice::pipeline
