// How jobs look to people.
#pragma once

#include <nanogrid/job_store.h>

#include <span>
#include <string>

#include "output.h"
#include "table.h"

Color ColorOf(nanogrid::JobState state);

// "3 s", "12 min", "5 h", "3 d".
std::string ShortDuration(nanogrid::Duration duration);

Table JobTable(std::span<const nanogrid::Job> jobs, nanogrid::SystemTime now);
// Everything about one job, a line each.
std::string JobDetails(const nanogrid::Job& job, const Output& output);
// "09:30:00.123  5f0c…  PROCESSING  resize  attempt 1"
std::string EventLine(const nanogrid::JobEvent& event, const Output& output);
