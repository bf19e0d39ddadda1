// Wrong programs: each breaks one promise about the order of confirmation. The simulation must notice every one of
// them, or it proves nothing about the right one.
#pragma once

namespace sluice::pipeline::simulation {

enum class Mutant {
  None,
  CommitsWhatItRead,        ///< the offset moves when a batch was read, not when it has its outcome
  FinishesOnRetry,          ///< a refused item counts as written
  BelievesUnknownOutcomes,  ///< a bulk whose answer was lost counts as written
  DropsRejected,            ///< a rejected item counts as written: no dead letter
  DoesNotAwaitLetters,      ///< a dead letter counts before it is acknowledged
  IgnoresVersions,          ///< the mirror takes whatever comes last
  SkipsLastOfBulk,          ///< an off-by-one between request and answer
  ReordersTies,             ///< documents whose versions tie are not kept in order
  CommitsLostPartitions,    ///< what was read of a partition that is gone is committed
  CommitsBeforeCheckpoint,  ///< Kafka is told first, the search engine second
  IgnoresCheckpoints,       ///< a start believes the group's offset alone
  SweepsAtOnce,             ///< a truncate does not wait for what is before it
};

inline constexpr Mutant kMutants[] = {
    Mutant::CommitsWhatItRead,       Mutant::FinishesOnRetry,     Mutant::BelievesUnknownOutcomes,
    Mutant::DropsRejected,           Mutant::DoesNotAwaitLetters, Mutant::IgnoresVersions,
    Mutant::SkipsLastOfBulk,         Mutant::ReordersTies,        Mutant::CommitsLostPartitions,
    Mutant::CommitsBeforeCheckpoint, Mutant::IgnoresCheckpoints,  Mutant::SweepsAtOnce,
};

}  // namespace sluice::pipeline::simulation
