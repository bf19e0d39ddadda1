// replicator: PostgreSQL's changes into Kafka. The wiring is in libs/connector.
#include "cli.h"

int main(int argc, char** argv) { return sluice::replicator::run_command_line(argc, argv); }
