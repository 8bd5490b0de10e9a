"""Users and secrets of a Redis server, as files that turnd reads: the parts of deploy/redis_credentials."""
