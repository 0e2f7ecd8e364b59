// Ways to start the same tiny program once, and to call the same echo again and again.
#pragma once

#include <nanogrid/nanogrid.h>

#include <memory>
#include <string>
#include <vector>

#include "child_process.h"
#include "workspace.h"

// Ends the measured time early: what follows is not of interest.
enum class Until { kResult, kGone };

nanogrid::Result<nanogrid::Duration> StartPlain(const Workspace& workspace,
                                                Launcher launcher = Launcher::kVfork);
nanogrid::Result<nanogrid::Duration> StartSandboxed(const Workspace& workspace,
                                                    nanogrid::Sandbox& sandbox, Until until);
nanogrid::Result<nanogrid::Duration> StartBubblewrapped(const Workspace& workspace);
// Whether bubblewrap is installed.
bool HasBubblewrap();

// Runs `argv` to its end.
nanogrid::Status RunToEnd(const std::vector<std::string>& argv,
                          Launcher launcher = Launcher::kVfork);

// The tiny program and the echo function as packages for a sandbox.
nanogrid::FunctionPackage TinyPackage(const Workspace& workspace);
nanogrid::FunctionPackage EchoPackage(const Workspace& workspace);

// Opens an engine whose idle instances are not frozen while the others have their turn.
nanogrid::Result<std::unique_ptr<nanogrid::Engine>> OpenEngine();
// Invokes `function` and checks that it returned, started as expected.
nanogrid::Result<nanogrid::Outcome> InvokeChecked(nanogrid::Engine& engine,
                                                  const nanogrid::InvokeRequest& request,
                                                  nanogrid::StartKind start);

// A JSON string of `size` bytes, quotes included.
std::string Payload(size_t size);
