"""What plugs into the application's ports, one family a folder; they never import each other.

Some libraries would tell their makers that they are used. Here they are told not to, before any
adapter loads them (docs/adr/0012-no-library-reports-home.md).
"""

import os
import sys
from types import ModuleType
from typing import cast

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# OpenVINO's converter of models, which OpenVINO does without where it can't be imported.
sys.modules.setdefault("openvino.tools.ovc", cast(ModuleType, None))
