# find_package(sluice): the targets sluice::<library>, as in libs/ARCHITECTURE.md. What they stand on has to be there too;
# what is missing is named. -DSLUICE_RDKAFKA_ROOT=<prefix> says where a librdkafka >= 2.6 is that the system has not.
include("${CMAKE_CURRENT_LIST_DIR}/SluiceDependencies.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/sluiceTargets.cmake")
