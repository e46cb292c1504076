#!/usr/bin/env bash
# Debian's Chromium, for the tests that drive the pages. (Playwright's own builds are not on every network.)
. "$(dirname "$0")/common.sh"

need chromium chromium
say "$(chromium --version 2>/dev/null | cut -d' ' -f1,2) is here"
