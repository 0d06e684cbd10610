"""Who is let in: sign-in by a reverse proxy or by OpenID Connect, sessions, and the guard before every route."""
