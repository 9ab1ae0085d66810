# SPDX-License-Identifier: Apache-2.0
"""The end of a row that is a `plait cat` process, fed and read through pipes."""
from ends import End


class PlaitEnd(End):
    pass
