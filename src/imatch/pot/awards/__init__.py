"""Awards: rules applied, caps, queue, grants, clawbacks."""
