# The gateway alone; docker-compose.yml puts a PostgreSQL beside it.

FROM node:22-slim AS page
WORKDIR /build
COPY web web
RUN mkdir -p api/static && sh web/build.sh

FROM python:3.13-slim
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
# The build's own requirement first, so that its version too is the one in constraints.txt.
RUN pip install --no-cache-dir --constraint constraints.txt 'setuptools>=77'
COPY api api
COPY authz authz
COPY db db
COPY --from=page /build/api/static/graphiql api/static/graphiql
RUN pip install --no-cache-dir --constraint constraints.txt --no-build-isolation . \
    && rm -rf /build/* \
    && useradd --system --no-create-home --uid 10001 fieldward
WORKDIR /
USER fieldward
EXPOSE 8000
ENTRYPOINT ["fieldward"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
