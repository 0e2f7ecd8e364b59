// The program of the conformance suite.
#include "nanogrid/testing/sandbox_actor.h"

int main(int argc, char** argv) { return nanogrid::RunSandboxActor(argc, argv); }
