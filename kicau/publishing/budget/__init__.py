"""What deliveries may spend: budget checks, plan quotas, and deliveries on hold until there is money."""
