"""`python -m inkwell` is the `inkwell` command."""

import sys

try:
    from inkwell.cli import main

    main()
except KeyboardInterrupt:  # Ctrl-C while modules are still being read: nothing has begun that would have to end
    sys.exit(130)
