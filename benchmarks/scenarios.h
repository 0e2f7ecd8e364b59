// What nanogrid-bench measures. docs/benchmarks.md explains every row.
#pragma once

#include <nanogrid/nanogrid.h>

#include <string>
#include <vector>

#include "interleave.h"
#include "report.h"
#include "workspace.h"

struct Bench {
  Report& report;
  const Workspace& workspace;
  int rounds = 0;  // back to back, of something quick
};

// Takes `rounds` samples back to back and a few after 100 ms of idleness; both into the report.
void Measure(Bench& bench, const std::string& scenario, const std::vector<Contender>& contenders,
             int rounds);

// How many samples to take where each needs 100 ms of waiting.
int IdleRounds(int rounds);

void MeasureColdStart(Bench& bench);
void MeasureWarmInvoke(Bench& bench);
void MeasurePython(Bench& bench);
void MeasureNodeJs(Bench& bench);
void MeasureLargeHost(Bench& bench);
void MeasureThroughput(Bench& bench);
void MeasureJobs(Bench& bench);
void MeasureNeighbours(Bench& bench);
void MeasureRedisQueue(Bench& bench);
