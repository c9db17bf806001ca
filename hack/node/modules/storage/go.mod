module supmessenger.io/hack/node/storage

go 1.26.0

tool (
	github.com/distribution/distribution/v3/cmd/registry
	github.com/versity/versitygw/cmd/versitygw
)

require (
	github.com/distribution/distribution/v3 v3.1.2
	github.com/versity/versitygw v1.8.0
)
