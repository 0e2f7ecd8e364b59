// A job from the outside: its log as it grows, until it has ended.
#pragma once

#include <nanogrid/controller.h>

// Passes the log on from `offset`, and progress when it changes; answers the job when it has ended.
nanogrid::Result<nanogrid::Job> FollowJob(const nanogrid::Context& context,
                                          nanogrid::Controller& controller, std::string_view id,
                                          nanogrid::LogSink& log);

// The log as it is now, whole.
nanogrid::Status CopyLog(const nanogrid::Context& context, nanogrid::Controller& controller,
                         std::string_view id, uint64_t& offset, nanogrid::LogSink& log);
