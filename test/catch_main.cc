// Catch2 2 wants its main() from us; with Catch2 3 this file is not built.
#define CATCH_CONFIG_MAIN
#include "catch.h"
