"""Where things come from and what they may be used for: origin, AI permission, and the audit trail of every act."""
