// Distribution 2.8.3, built with the drivers that Debian's build lacks. It came with a list of commits in place of a
// module; these are the versions of that list, or the next ones that the module proxy has.
module registry-2.8

go 1.26.0

require (
	github.com/Azure/azure-sdk-for-go v16.2.1+incompatible
	github.com/Azure/go-autorest v10.8.1+incompatible
	github.com/Shopify/logrus-bugsnag v0.0.0-20171204204709-577dee27f20d
	github.com/aws/aws-sdk-go v1.55.8
	github.com/bshuster-repo/logrus-logstash-hook v0.4.1
	github.com/bugsnag/bugsnag-go v0.0.0-20141110184014-b1d153021fcd
	github.com/bugsnag/osext v0.0.0-20130617224835-0dd3f918b21b
	github.com/bugsnag/panicwrap v0.0.0-20151223152923-e2c28503fcd0
	github.com/dgrijalva/jwt-go v3.2.0+incompatible
	github.com/distribution/reference v0.5.0
	github.com/docker/distribution v2.8.3+incompatible
	github.com/docker/go-metrics v0.0.0-20180209012529-399ea8c73916
	github.com/docker/libtrust v0.0.0-20150114040149-fa567046d9b1
	github.com/garyburd/redigo v0.0.0-20150301180006-535138d7bcd7
	github.com/gorilla/handlers v0.0.0-20150720190736-60c7bfde3e33
	github.com/gorilla/mux v1.8.1
	github.com/marstr/guid v1.1.0
	github.com/ncw/swift v1.0.47
	github.com/opencontainers/image-spec v1.0.2
	github.com/satori/go.uuid v1.2.0
	github.com/yvasiyarov/go-metrics v0.0.0-20140926110328-57bccd1ccd43
	github.com/yvasiyarov/gorelic v0.0.0-20141212073537-a9bba5b9ab50
	github.com/yvasiyarov/newrelic_platform_go v0.0.0-20140908184405-b21fdbd4370f
	golang.org/x/oauth2 v0.37.0
	google.golang.org/api v0.0.0-20160322025152-9bf6e6e569ff
	google.golang.org/cloud v0.0.0-20151119220103-975617b05ea8
	google.golang.org/grpc v0.0.0-20160317175043-d3ddb4469d5a
	gopkg.in/yaml.v2 v2.2.1
	rsc.io/letsencrypt v0.0.0
)

require (
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/mitchellh/mapstructure v1.5.0 // indirect
	github.com/prometheus/client_golang v1.25.0 // indirect
	github.com/sirupsen/logrus v1.10.2 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
)

replace rsc.io/letsencrypt => ./letsencrypt
