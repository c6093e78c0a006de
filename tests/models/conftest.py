"""The networks of these tests are small: threads would cost more than they bring."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
