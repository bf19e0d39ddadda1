// Waits for a libpq socket, up to a deadline.
#pragma once

#include "sluice/base/clock.h"

namespace sluice::postgres {

/// True: ready (or broken: the next libpq call will tell). False: the deadline passed.
bool wait_for_socket(int fd, short events, base::Deadline deadline);

}  // namespace sluice::postgres
