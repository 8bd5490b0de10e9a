import sys
from pathlib import Path

# Started by its folder's name (python3 tests/support/demo_node), from any place.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo_node.main import main  # noqa: E402

sys.exit(main())
