def oldest_due(now):
    return None
