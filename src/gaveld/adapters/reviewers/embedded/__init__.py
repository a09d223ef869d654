"""The embedded panel: ten reviewers over one pass of the text model, without any network."""

from gaveld.adapters.reviewers.embedded.members import MEMBERS
from gaveld.adapters.reviewers.embedded.points import POINTS_FILE, OperatingPoints
from gaveld.adapters.reviewers.embedded.reviewer import EmbeddedReviewer, embedded_panel

__all__ = ["MEMBERS", "POINTS_FILE", "EmbeddedReviewer", "OperatingPoints", "embedded_panel"]
